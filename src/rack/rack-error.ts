/** A failure that whoever runs the rack can act on; its message is one line and says what to do. */
export class RackError extends Error {
  override readonly name = 'RackError';
}
