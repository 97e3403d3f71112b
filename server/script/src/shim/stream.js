// `stream` of Node.js, as far as packages inherit from it: events, and what is written passed on as data.
(native, require) => {
  "use strict";
  const EventEmitter = require("events");
  const { inherits } = require("util");
  function Stream() {
    EventEmitter.call(this);
    this.readable = true;
    this.writable = true;
  }
  inherits(Stream, EventEmitter);
  Object.assign(Stream.prototype, {
    write(chunk) {
      this.emit("data", chunk);
      return true;
    },
    end(chunk) {
      if (chunk !== undefined) this.write(chunk);
      this.emit("end");
      this.emit("finish");
    },
    destroy(error) {
      if (error) this.emit("error", error);
      this.emit("close");
    },
    pipe(target) {
      this.on("data", (chunk) => target.write(chunk));
      this.on("end", () => target.end());
      return target;
    },
    setEncoding() {
      return this;
    },
    pause() {
      return this;
    },
    resume() {
      return this;
    },
  });
  for (const name of ["Readable", "Writable", "Duplex", "Transform", "PassThrough", "Stream"]) Stream[name] = Stream;
  return Stream;
}
