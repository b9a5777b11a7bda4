package app

// heapFloor raises the live heap, so that the collector runs less often: with the few
// megabytes of a small fleet it would run some thirty times per second at full read
// load, for a tenth of the processor's time. The floor is never touched, so it takes
// address space and no memory. GOGC would also multiply the memory of large fleets, and
// GOMEMLIMIT only makes the collector run more often.
const heapFloor = 32 << 20

func newHeapFloor() []byte { return make([]byte, heapFloor) }
