/** One entry of a tar archive. Names are relative, at most 100 bytes long. */
export type TarEntry =
  | { readonly name: string; readonly kind: 'file'; readonly content: Buffer; readonly mode?: number }
  | { readonly name: string; readonly kind: 'folder'; readonly mode?: number }
  | { readonly name: string; readonly kind: 'link'; readonly target: string };

const BLOCK_BYTES = 512;
const DEFAULT_MODES = { file: 0o644, link: 0o777, folder: 0o755 } as const;
const TYPES = { file: '0', link: '2', folder: '5' } as const;

/** A tar archive in the ustar format (POSIX.1-1988), owned by root and dated 1970, so that equal entries are equal bytes. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = entry.kind === 'file' ? entry.content : Buffer.alloc(0);
    const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
    return [header(entry, content.length), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function header(entry: TarEntry, bytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  const mode = ('mode' in entry ? entry.mode : undefined) ?? DEFAULT_MODES[entry.kind];
  block.write(entry.kind === 'folder' ? `${entry.name}/` : entry.name, 0, 100);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108); // owner
  block.write(octal(0, 8), 116); // group
  block.write(octal(bytes, 12), 124);
  block.write(octal(0, 12), 136); // time
  block.write(' '.repeat(8), 148); // the checksum counts itself as spaces
  block.write(TYPES[entry.kind], 156);
  if (entry.kind === 'link') block.write(entry.target, 157, 100);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
