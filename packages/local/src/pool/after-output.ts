/**
 * Does something with a worker's message once what the worker printed before has been passed on: that comes another way, and the
 * message may end this process. Both were there when the message was, but not yet when the event loop last looked; one whole turn
 * later they have been read. Everything that is done so keeps its order.
 */
export function afterOutput(act: () => void): void {
  setImmediate(() => setImmediate(act));
}
