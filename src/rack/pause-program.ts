/**
 * The program of the pause image: PID 1 of a pod. It ends at once on SIGTERM or SIGINT, reaps what the pod's processes
 * leave behind, and takes one page of memory. Debian has no such program, and a shell in its place would be two processes
 * per pod; so here are its few instructions:
 *
 *     rt_sigaction(SIGCHLD, SIG_IGN)           children need no waiting for
 *     rt_sigprocmask(SIG_BLOCK, TERM | INT)    to be waited for; a blocked signal reaches even PID 1
 *     do n = rt_sigtimedwait(TERM | INT) while n < 0
 *     exit_group(0)
 *
 * System call numbers: Linux `arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h`.
 */
const CODE = {
  amd64: [
    'b80d000000 bf11000000 488d353f000000 31d2 41ba08000000 0f05', // mov eax,13; edi,17; lea rsi,act; rdx=0; r10=8
    'b80e000000 31ff 488d3547000000 31d2 0f05', // mov eax,14; edi=0; lea rsi,set
    'b880000000 488d3d37000000 31f6 0f05 85c0 78ec', // wait: mov eax,128; lea rdi,set; rsi=0; js wait
    'b8e7000000 31ff 0f05 660f1f440000', // mov eax,231; edi=0; padding
  ],
  arm64: [
    'c81080d2 200280d2 01020010 020080d2 030180d2 010000d4', // x8=134; x0=17; adr x1,act; x2=0; x3=8; svc
    'e81080d2 000080d2 41020010 010000d4', // x8=135; x0=0; adr x1,set
    '281180d2 e0010010 010080d2 010000d4 80ffff37', // wait: x8=137; adr x0,set; x1=0; tbnz w0,31,wait
    'c80b80d2 000080d2 010000d4', // x8=94; x0=0
  ],
} as const;

/** act: struct sigaction { SIG_IGN, 0, 0, 0 }; set: signals 15 and 2. */
const DATA = [1n, 0n, 0n, 0n, (1n << 14n) | (1n << 1n)];

const MACHINE = { amd64: 62, arm64: 183 } as const; // ELF e_machine
const BASE_ADDRESS = 0x400000n;
const HEADERS_BYTES = 64 + 56;
/** Pages may be 4, 16 (Pi 5) or 64 KiB. */
const ALIGNMENT = 0x10000n;

/** A static ELF executable for Linux, some 230 bytes. */
export function pauseProgram(architecture: 'amd64' | 'arm64'): Buffer {
  const code = Buffer.from(CODE[architecture].join('').replaceAll(' ', ''), 'hex');
  const data = Buffer.alloc(DATA.length * 8);
  for (const [index, word] of DATA.entries()) data.writeBigUInt64LE(word, index * 8);
  const size = BigInt(HEADERS_BYTES + code.length + data.length);
  const head = Buffer.alloc(HEADERS_BYTES);
  head.write('\x7fELF\x02\x01\x01', 'latin1'); // 64 bits, little endian
  head.writeUInt16LE(2, 16); // ET_EXEC
  head.writeUInt16LE(MACHINE[architecture], 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(BASE_ADDRESS + BigInt(HEADERS_BYTES), 24); // entry
  head.writeBigUInt64LE(64n, 32); // program headers follow
  for (const [index, value] of [64, 56, 1].entries()) head.writeUInt16LE(value, 52 + 2 * index);
  head.writeUInt32LE(1, 64); // PT_LOAD
  head.writeUInt32LE(5, 68); // readable, executable
  for (const [index, value] of [0n, BASE_ADDRESS, BASE_ADDRESS, size, size, ALIGNMENT].entries()) {
    head.writeBigUInt64LE(value, 72 + 8 * index);
  }
  return Buffer.concat([head, code, data]);
}
