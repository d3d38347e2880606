import type { PGlite } from '@electric-sql/pglite'

/*
 * To open a copy of the embedded database takes 2 s of CPU time: V8 compiles 20 MB of WebAssembly, the files are unpacked, PostgreSQL
 * starts, loads PostGIS and fills its caches of the catalog. All that this leads to is in the memory of WebAssembly and in the files that
 * Emscripten keeps in memory (MEMFS). Put back as they were, they are the same database again, in a fraction of the time.
 *
 * What the state has not: code that was loaded after it was taken, whose memory would be given away again. See `libraries`.
 */

/** A file, folder, link or device of MEMFS. */
interface Node {
  name: string
  parent: Node
  mode: number
  contents: Uint8Array | Record<string, Node> | null | undefined
  usedBytes?: number
  /** The next one in the same slot of the table of names. */
  name_next?: Node | undefined
}

interface Stream {
  fd: number | null
  shared: { flags?: number; position?: number }
}

interface FileSystem {
  nameTable: (Node | undefined)[]
  streams: (Stream | null)[]
  isFile(mode: number): boolean
  isDir(mode: number): boolean
}

interface StackPointer {
  value: number
}

export interface EngineState {
  /** Puts the engine back to where it was. Nobody may be using it. */
  restore(): void
}

/** Pages of WebAssembly's memory. Most of them are empty, and are not kept. */
const PAGE = 64 * 1024

/** Keeps how an engine that nobody uses, and that keeps its data in memory, is now. */
export function keepState(pglite: PGlite): EngineState {
  const parts = [keepMemory(pglite), keepFiles(pglite.Module.FS as unknown as FileSystem)]
  return {
    restore() {
      for (const restore of parts) restore()
    },
  }
}

function keepMemory(pglite: PGlite): () => void {
  const module = pglite.Module
  const pointer: StackPointer = Reflect.get(module, '___stack_pointer')
  const top = pointer.value
  const pages = new Map<number, Uint8Array>()
  const size = module.HEAPU8.length
  for (let at = 0; at < size; at += PAGE) {
    const page = module.HEAPU8.subarray(at, at + PAGE)
    if (!isEmpty(page)) pages.set(at, page.slice())
  }
  return () => {
    // It may have grown since, and be another buffer.
    const memory: Uint8Array = module.HEAPU8
    for (let at = 0; at < memory.length; at += PAGE) {
      const page = pages.get(at)
      if (page) memory.set(page, at)
      else memory.fill(0, at, at + PAGE)
    }
    pointer.value = top
  }
}

const EMPTY = new Uint8Array(PAGE)
const isEmpty = (page: Uint8Array): boolean => Buffer.compare(page, EMPTY) === 0

function keepFiles(files: FileSystem): () => void {
  const slots = Array.from(files.nameTable, (first) => [...chainOf(first)])
  const nodes = slots.flat().map((node) => ({ node, restore: keepNode(files, node) }))
  const streams = Array.from(files.streams, (stream) => stream && { stream, position: { ...stream.shared } })
  return () => {
    for (const { restore } of nodes) restore()
    files.nameTable.length = slots.length
    slots.forEach((slot, nth) => {
      files.nameTable[nth] = slot[0]
      slot.forEach((node, at) => {
        node.name_next = slot[at + 1]
      })
    })
    files.streams.length = 0
    for (const [fd, kept] of streams.entries()) {
      files.streams[fd] = kept?.stream ?? null
      // The same object, because duplicates of a stream share it.
      if (kept) Object.assign(Object.assign(kept.stream, { fd }).shared, kept.position)
    }
  }
}

function* chainOf(first: Node | undefined): Generator<Node> {
  for (let node = first; node; node = node.name_next) yield node
}

function keepNode(files: FileSystem, node: Node): () => void {
  const { name, parent, mode, usedBytes } = node
  const restoreContents = files.isFile(mode)
    ? keepBytes(node)
    : files.isDir(mode)
      ? keepFolder(node)
      : () => {}
  return () => {
    Object.assign(node, { name, parent, mode, ...(usedBytes === undefined ? {} : { usedBytes }) })
    restoreContents()
  }
}

function keepFolder(node: Node): () => void {
  const children = { ...(node.contents as Record<string, Node>) }
  return () => {
    node.contents = { ...children }
  }
}

function keepBytes(node: Node): () => void {
  const bytes = (node.contents as Uint8Array | null)?.slice()
  return () => {
    const now = node.contents as Uint8Array | null
    if (!bytes || now?.length !== bytes.length) node.contents = bytes?.slice() ?? null
    else now.set(bytes)
  }
}
