const TABLE = new Int32Array(256);
for (let i = 0; i < 256; i += 1) {
  let rest = i;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest & 1) === 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
  TABLE[i] = rest;
}

/** CRC-32C (Castagnoli) of `bytes`, continuing from `crc`; unsigned. As Go's hash/crc32 with that table. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  let state = ~crc;
  for (let i = 0; i < bytes.length; i += 1) state = (TABLE[(state ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (state >>> 8);
  return ~state >>> 0;
}
