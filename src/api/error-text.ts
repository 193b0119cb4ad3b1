/** What a failure says of itself, for a message of ours that quotes it: never what came with it (stack, cause, fields). */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
