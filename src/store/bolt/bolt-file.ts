/** A bucket of a database: entries in the order of their keys, made anew each time they are asked for. */
export interface BoltBucket {
  readonly name: string;
  readonly entries: () => Iterable<BoltEntry>;
}

/** One key and its value. */
export interface BoltEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** The file to be: its size is known before its first page is made. */
export interface BoltFile {
  readonly bytes: number;
  readonly pages: () => Generator<Buffer, void>;
}

const PAGE_BYTES = 4096;
const HEADER_BYTES = 16;
/** Both sorts of elements are as long. */
const ELEMENT_BYTES = 16;
const FLAGS = { branch: 0x01, leaf: 0x02, meta: 0x04, freelist: 0x10 } as const;
const IS_BUCKET = 0x01;
const MAGIC = 0xed0cdaed;
const FORMAT = 2;
/** Two metas, then the list of free pages, which is empty. */
const FREELIST_PAGE = 2;
const FIRST_PAGE = 3;

/** A page of a tree, or one with the pages that its only entry runs over into. */
interface Leaf {
  readonly firstKey: Buffer;
  readonly count: number;
  readonly pages: number;
}

interface Child {
  readonly key: Buffer;
  readonly page: number;
}

interface Tree {
  readonly bucket: BoltBucket;
  readonly leaves: readonly Leaf[];
  /** Branch pages from the lowest level up; the last one's only page is the root. */
  readonly levels: readonly (readonly (readonly Child[])[])[];
  readonly firstPage: number;
  readonly pages: number;
  readonly root: number;
}

/**
 * A bbolt database with these buckets, whose names are in order: the format of etcd's backend and snapshots (bbolt's page.go,
 * db.go). Written once from front to back: pages are full, none is free. Entries are gone through twice, so that they need
 * not be kept.
 */
export function boltFile(buckets: readonly BoltBucket[]): BoltFile {
  const trees: Tree[] = [];
  let next = FIRST_PAGE;
  for (const bucket of buckets) {
    const tree = planTree(bucket, next);
    trees.push(tree);
    next += tree.pages;
  }
  const root = next;
  const count = root + 1;
  return {
    bytes: count * PAGE_BYTES,
    *pages() {
      for (const id of [0, 1]) yield metaPage(id, root, count);
      yield page(FREELIST_PAGE, FLAGS.freelist, 0, []);
      for (const tree of trees) yield* treePages(tree);
      const names = trees.map((tree) => ({ key: Buffer.from(tree.bucket.name), value: bucketHeader(tree.root) }));
      yield leafPage(root, names, IS_BUCKET);
    },
  };
}

function planTree(bucket: BoltBucket, firstPage: number): Tree {
  const leaves = planLeaves(bucket);
  let next = firstPage;
  let children: Child[] = leaves.map(({ firstKey, pages }) => {
    const child = { key: firstKey, page: next };
    next += pages;
    return child;
  });
  const levels: Child[][][] = [];
  while (children.length > 1) {
    const level = grouped(children);
    children = level.map((group, i) => ({ key: group[0]?.key ?? Buffer.alloc(0), page: next + i }));
    next += level.length;
    levels.push(level);
  }
  return { bucket, leaves, levels, firstPage, pages: next - firstPage, root: children[0]?.page ?? firstPage };
}

/** Which entries share a page. An empty bucket has one empty page. */
function planLeaves({ entries }: BoltBucket): Leaf[] {
  const leaves: Leaf[] = [];
  let firstKey: Buffer | undefined;
  let count = 0;
  let bytes = HEADER_BYTES;
  const close = (): void => {
    leaves.push({ firstKey: firstKey ?? Buffer.alloc(0), count, pages: Math.ceil(bytes / PAGE_BYTES) });
    firstKey = undefined;
    count = 0;
    bytes = HEADER_BYTES;
  };
  for (const { key, value } of entries()) {
    const own = ELEMENT_BYTES + key.length + value.length;
    if (count > 0 && bytes + own > PAGE_BYTES) close();
    firstKey ??= key;
    count += 1;
    bytes += own;
  }
  if (count > 0 || leaves.length === 0) close();
  return leaves;
}

function grouped(children: readonly Child[]): Child[][] {
  const groups: Child[][] = [];
  let bytes = PAGE_BYTES;
  for (const child of children) {
    const own = ELEMENT_BYTES + child.key.length;
    const group = groups.at(-1);
    if (group === undefined || bytes + own > PAGE_BYTES) {
      groups.push([child]);
      bytes = HEADER_BYTES + own;
    } else {
      group.push(child);
      bytes += own;
    }
  }
  return groups;
}

function* treePages({ bucket, leaves, levels, firstPage }: Tree): Generator<Buffer, void> {
  let id = firstPage;
  const entries = bucket.entries()[Symbol.iterator]();
  for (const { count, pages } of leaves) {
    const own: BoltEntry[] = [];
    while (own.length < count) {
      const { value, done } = entries.next();
      if (done === true) throw new Error(`bucket "${bucket.name}" had more entries before`);
      own.push(value);
    }
    yield leafPage(id, own, 0);
    id += pages;
  }
  for (const level of levels) for (const group of level) yield branchPage(id++, group);
}

function leafPage(id: number, entries: readonly BoltEntry[], flags: number): Buffer {
  const data = entries.flatMap(({ key, value }) => [key, value]);
  const result = page(id, FLAGS.leaf, entries.length, data);
  let at = HEADER_BYTES;
  let dataAt = HEADER_BYTES + entries.length * ELEMENT_BYTES;
  for (const { key, value } of entries) {
    result.writeUInt32LE(flags, at);
    result.writeUInt32LE(dataAt - at, at + 4);
    result.writeUInt32LE(key.length, at + 8);
    result.writeUInt32LE(value.length, at + 12);
    at += ELEMENT_BYTES;
    dataAt += key.length + value.length;
  }
  return result;
}

function branchPage(id: number, children: readonly Child[]): Buffer {
  const keys = children.map(({ key }) => key);
  const result = page(id, FLAGS.branch, children.length, keys);
  let at = HEADER_BYTES;
  let dataAt = HEADER_BYTES + children.length * ELEMENT_BYTES;
  for (const { key, page: child } of children) {
    result.writeUInt32LE(dataAt - at, at);
    result.writeUInt32LE(key.length, at + 4);
    result.writeBigUInt64LE(BigInt(child), at + 8);
    at += ELEMENT_BYTES;
    dataAt += key.length;
  }
  return result;
}

/** A page with its header and, after room for `count` elements, its data: as many pages long as it takes. */
function page(id: number, flags: number, count: number, data: readonly Buffer[]): Buffer {
  const dataBytes = data.reduce((sum, { length }) => sum + length, 0);
  const bytes = HEADER_BYTES + count * ELEMENT_BYTES + dataBytes;
  const pages = Math.max(1, Math.ceil(bytes / PAGE_BYTES));
  const result = Buffer.alloc(pages * PAGE_BYTES);
  result.writeBigUInt64LE(BigInt(id), 0);
  result.writeUInt16LE(flags, 8);
  result.writeUInt16LE(count, 10);
  result.writeUInt32LE(pages - 1, 12);
  let at = HEADER_BYTES + count * ELEMENT_BYTES;
  for (const one of data) at += one.copy(result, at);
  return result;
}

function metaPage(id: number, root: number, pages: number): Buffer {
  const result = page(id, FLAGS.meta, 0, []);
  const at = HEADER_BYTES;
  result.writeUInt32LE(MAGIC, at);
  result.writeUInt32LE(FORMAT, at + 4);
  result.writeUInt32LE(PAGE_BYTES, at + 8);
  result.writeUInt32LE(0, at + 12); // flags
  bucketHeader(root).copy(result, at + 16);
  result.writeBigUInt64LE(BigInt(FREELIST_PAGE), at + 32);
  result.writeBigUInt64LE(BigInt(pages), at + 40);
  result.writeBigUInt64LE(BigInt(id), at + 48); // number of the transaction
  result.writeBigUInt64LE(fnv1a64(result.subarray(at, at + 56)), at + 56);
  return result;
}

/** What stands for a bucket in its parent: its root page, and its sequence, which etcd does not use. */
function bucketHeader(root: number): Buffer {
  const result = Buffer.alloc(16);
  result.writeBigUInt64LE(BigInt(root), 0);
  return result;
}

function fnv1a64(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
