package app

// heapFloor makes the collector wait until about as much has been allocated as
// it is large. With a few megabytes of live memory, which is what a small fleet
// takes, Go would collect after every few megabytes more: at full read load some
// thirty times a second, for a tenth of the processor's time. The floor is never
// touched, so that it is address space and not memory, and for a large fleet it
// is too small to matter.
const heapFloor = 32 << 20

func newHeapFloor() []byte { return make([]byte, heapFloor) }
