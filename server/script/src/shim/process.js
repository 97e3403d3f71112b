// What packages find as `process`: nothing of the machine is in it.
() => {
  "use strict";
  const nextTick = (work, ...args) => void Promise.resolve().then(() => work(...args));
  const ignored = () => {};
  return { title: "portico", version: "v18.20.0", versions: { node: "18.20.0" }, platform: "linux", arch: "x64", pid: 1, env: {}, argv: [], execArgv: [], browser: false, release: { name: "node" }, nextTick, cwd: () => "/", emitWarning: ignored, on: ignored, once: ignored, off: ignored, removeListener: ignored, emit: () => false, uptime: () => 0, hrtime: Object.assign(() => [Math.trunc(Date.now() / 1000), (Date.now() % 1000) * 1e6], { bigint: () => BigInt(Date.now()) * 1000000n }), memoryUsage: () => ({ heapUsed: 0, heapTotal: 0, rss: 0 }) };
}
