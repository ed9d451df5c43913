package render

// Version names this renderer. It is raised whenever the pod template of any gateway comes out another way than before
// from the same input: what runs then is of another renderer, and is not restarted over that without an approval. A
// test holds it to the goldens.
const Version int64 = 1
