// `events` of Node.js.
() => {
  "use strict";
  function EventEmitter() {
    EventEmitter.init.call(this);
  }
  const listeners = (emitter, name) => {
    if (!Object.hasOwn(emitter, "_events") || !emitter._events) EventEmitter.init.call(emitter);
    return emitter._events.get(name) || [];
  };
  const add = (emitter, name, listener, first) => {
    if (typeof listener !== "function") throw new TypeError("The listener must be a function");
    const known = listeners(emitter, name);
    emitter._events.set(name, first ? [listener, ...known] : [...known, listener]);
    return emitter;
  };
  const once = (emitter, name, listener) => {
    const wrapped = function (...args) {
      emitter.removeListener(name, wrapped);
      return listener.apply(emitter, args);
    };
    wrapped.listener = listener;
    return wrapped;
  };
  EventEmitter.init = function () {
    Object.defineProperty(this, "_events", { value: new Map(), configurable: true, writable: true });
  };
  Object.assign(EventEmitter.prototype, {
    on(name, listener) {
      return add(this, name, listener, false);
    },
    addListener(name, listener) {
      return add(this, name, listener, false);
    },
    prependListener(name, listener) {
      return add(this, name, listener, true);
    },
    once(name, listener) {
      return add(this, name, once(this, name, listener), false);
    },
    prependOnceListener(name, listener) {
      return add(this, name, once(this, name, listener), true);
    },
    off(name, listener) {
      return this.removeListener(name, listener);
    },
    removeListener(name, listener) {
      const known = listeners(this, name);
      const at = known.findLastIndex((one) => one === listener || one.listener === listener);
      if (at >= 0) this._events.set(name, known.filter((_, index) => index !== at));
      return this;
    },
    removeAllListeners(name) {
      listeners(this, name);
      if (name === undefined) this._events.clear();
      else this._events.delete(name);
      return this;
    },
    emit(name, ...args) {
      const known = listeners(this, name);
      if (known.length === 0 && name === "error") throw args[0] instanceof Error ? args[0] : new Error(`Unhandled error. (${args[0]})`);
      for (const listener of known) listener.apply(this, args);
      return known.length > 0;
    },
    listeners(name) {
      return listeners(this, name).map((one) => one.listener || one);
    },
    rawListeners(name) {
      return [...listeners(this, name)];
    },
    listenerCount(name) {
      return listeners(this, name).length;
    },
    eventNames() {
      listeners(this, "");
      return [...this._events.keys()].filter((name) => this._events.get(name).length > 0);
    },
    setMaxListeners() {
      return this;
    },
    getMaxListeners() {
      return EventEmitter.defaultMaxListeners;
    },
  });
  EventEmitter.defaultMaxListeners = 10;
  EventEmitter.EventEmitter = EventEmitter;
  EventEmitter.once = (emitter, name) =>
    new Promise((resolve, reject) => {
      emitter.once(name, (...args) => resolve(args));
      if (name !== "error") emitter.once("error", reject);
    });
  return EventEmitter;
}
