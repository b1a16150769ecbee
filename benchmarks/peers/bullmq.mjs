// BullMQ draining jobs that do nothing. node bullmq.mjs <redis port> <jobs> <concurrency>; prints
// jobs a second, from the start of the worker to the last completion.
import { Queue, Worker } from "bullmq";

const [port, jobs, concurrency] = process.argv.slice(2).map(Number);
const connection = { host: "127.0.0.1", port };
const queue = new Queue("noop", { connection, defaultJobOptions: { removeOnComplete: true } });
const job = (number) => ({ name: "noop", data: { number } });
const left = (first) =>
  Array.from({ length: Math.min(1000, jobs - first) }, (_, n) => job(first + n));
for (let first = 0; first < jobs; first += 1000) await queue.addBulk(left(first));

const started = performance.now();
const worker = new Worker("noop", async () => {}, { connection, concurrency });
let completed = 0;
await new Promise((resolve) => worker.on("completed", () => ++completed === jobs && resolve()));
console.log(jobs / ((performance.now() - started) / 1000));
await worker.close();
await queue.close();
