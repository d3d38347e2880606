/**
 * WebAssembly, which is the embedded engine, runs as it is compiled first. V8 would compile what is used often once more, in the background:
 * a third of the CPU time of a process that migrates a database and ends.
 */
export const COMPILED_ONCE = '--liftoff-only'
