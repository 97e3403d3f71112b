// `timers` of Node.js.
() => ({ setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate })
