/** What one server grants to its connections. */
export interface ServerLimits {
  /** For the TLS handshake, and for the headers of a request from their first byte on. */
  readonly headersTimeoutMs: number;
  /** How often the two limits on a request's time are looked at; Node's 30 s would make 10 s of them 30. */
  readonly checkMs: number;
  /** For a request with its body. */
  readonly requestTimeoutMs: number;
  /** More connections are not held: whoever has been idle for longest has to go. A TLS connection costs some 80 KB. */
  readonly connectionsMax: number;
}

/** Those of a board. */
export const SERVER_LIMITS: ServerLimits = {
  headersTimeoutMs: 10_000,
  checkMs: 2000,
  requestTimeoutMs: 90_000,
  connectionsMax: 1000,
};
