package stress

// Knee is knee, for tests.
var Knee = knee
