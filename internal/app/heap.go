package app

// heapFloor raises the live heap, so that the collector runs less often. With the few
// megabytes of a small fleet, Go would collect some thirty times a second at full read
// load, for a tenth of the processor's time. The floor is never touched: it takes
// address space, not memory.
const heapFloor = 32 << 20

func newHeapFloor() []byte { return make([]byte, heapFloor) }
