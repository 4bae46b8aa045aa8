import { EmbeddedQueue } from "@stampede/local";
import { FaultyQueue, ManualClock, noFaults, queueContract } from "@stampede/testing";
import { SimulatedQueue, VirtualTime } from "@stampede/testing/simulation";

const maxReceives = 3;

queueContract("FaultyQueue, when nothing goes wrong", () => {
  const clock = new ManualClock();
  const inner = new EmbeddedQueue({ clock, timers: clock, maxReceives });
  return Promise.resolve({
    queue: new FaultyQueue("driver", inner, noFaults, clock),
    maxReceives,
    advance: (ms) => clock.advance(ms),
    deadLetters: () => Promise.resolve(inner.deadLetters().map(({ body }) => body)),
    close: () => Promise.resolve(inner.close()),
  });
});

queueContract("SimulatedQueue", () => {
  const time = new VirtualTime(1_000_000);
  let sent = 0;
  const queue = new SimulatedQueue({ time, maxReceives, nameMessage: () => `message-${(sent += 1)}` });
  return Promise.resolve({
    queue,
    maxReceives,
    advance: (ms) => time.advance(ms),
    deadLetters: () => Promise.resolve(queue.deadLetters()),
    close: () => Promise.resolve(queue.clear()),
  });
});
