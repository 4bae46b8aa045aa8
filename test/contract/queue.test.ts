import { EmbeddedQueue } from "@stampede/local";
import { ManualClock, queueContract } from "@stampede/testing";

queueContract("EmbeddedQueue", () => {
  const clock = new ManualClock();
  const maxReceives = 3;
  const queue = new EmbeddedQueue({ clock, timers: clock, maxReceives });
  return Promise.resolve({
    queue,
    maxReceives,
    advance: (ms) => clock.advance(ms),
    deadLetters: () => Promise.resolve(queue.deadLetters().map(({ body }) => body)),
    close: () => Promise.resolve(queue.close()),
  });
});
