// `util` of Node.js, as far as scripts and pure packages go.
(native, require) => {
  "use strict";
  const { Buffer, TextEncoder, TextDecoder } = require("buffer");
  const CUSTOM = Symbol.for("nodejs.util.promisify.custom");
  const INSPECT = Symbol.for("nodejs.util.inspect.custom");
  const quoted = (text) => `'${text.replace(/[\\']/g, "\\$&").replace(/\n/g, "\\n")}'`;
  const key = (name) => (typeof name === "symbol" ? `[${String(name)}]` : /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name));
  const inspect = (value, options = {}, depth = 0, seen = []) => {
    const most = options === null || typeof options !== "object" || options.depth === undefined ? 2 : options.depth === null ? Infinity : options.depth;
    if (typeof value === "string") return quoted(value);
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "symbol" || value === null || (typeof value !== "object" && typeof value !== "function")) return Object.is(value, -0) ? "-0" : String(value);
    if (seen.includes(value)) return "[Circular *1]";
    if (typeof value[INSPECT] === "function") {
      const shown = value[INSPECT](most - depth, options, inspect);
      return typeof shown === "string" ? shown : inspect(shown, options, depth, seen);
    }
    if (value instanceof Error) return value.stack ? `${value}\n${value.stack}` : `[${value}]`;
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (Buffer.isBuffer(value)) return `<Buffer ${value.toString("hex", 0, 50).replace(/..(?=.)/g, "$& ")}>`;
    const name = value.constructor && value.constructor.name;
    if (typeof value === "function" && Object.keys(value).length === 0) return `[Function${value.name ? `: ${value.name}` : " (anonymous)"}]`;
    if (depth > most) return Array.isArray(value) ? "[Array]" : `[${name || "Object"}]`;
    const inner = (one) => inspect(one, options, depth + 1, [...seen, value]);
    const own = Reflect.ownKeys(value).filter((one) => Object.prototype.propertyIsEnumerable.call(value, one));
    const named = (keys) => keys.map((one) => `${key(one)}: ${inner(value[one])}`);
    if (Array.isArray(value)) {
      const items = [...Array.from(value).slice(0, 100).map(inner), ...(value.length > 100 ? [`... ${value.length - 100} more items`] : []), ...named(own.filter((one) => typeof one === "symbol" || !/^\d+$/.test(one)))];
      return items.length ? `[ ${items.join(", ")} ]` : "[]";
    }
    if (value instanceof Map) return `Map(${value.size}) {${[...value].map(([one, other]) => ` ${inner(one)} => ${inner(other)}`).join(",")} }`;
    if (value instanceof Set) return `Set(${value.size}) {${[...value].map((one) => ` ${inner(one)}`).join(",")} }`;
    const items = named(own);
    const prefix = name === "Object" ? "" : name ? `${name} ` : "[Object: null prototype] ";
    return items.length ? `${prefix}{ ${items.join(", ")} }` : `${prefix}{}`;
  };
  inspect.custom = INSPECT;
  inspect.defaultOptions = { depth: 2 };
  const format = (first, ...rest) => {
    if (typeof first !== "string") return [first, ...rest].map((one) => (typeof one === "string" ? one : inspect(one))).join(" ");
    const text = first.replace(/%[sdifjoOc%]/g, (mark) => {
      if (mark === "%%") return "%";
      if (rest.length === 0) return mark;
      const value = rest.shift();
      if (mark === "%s") return typeof value === "object" && value !== null ? inspect(value, { depth: 0 }) : String(value);
      if (mark === "%d") return String(Number(value));
      if (mark === "%i") return String(parseInt(value, 10));
      if (mark === "%f") return String(parseFloat(value));
      if (mark === "%j") return JSON.stringify(value);
      return mark === "%c" ? "" : inspect(value);
    });
    return [text, ...rest.map((one) => (typeof one === "string" ? one : inspect(one)))].join(" ");
  };
  const promisify = (work) => {
    if (typeof work !== "function") throw new TypeError('The "original" argument must be of type function');
    if (work[CUSTOM]) return work[CUSTOM];
    return function (...args) {
      return new Promise((resolve, reject) => work.call(this, ...args, (error, value) => (error ? reject(error) : resolve(value))));
    };
  };
  promisify.custom = CUSTOM;
  const callbackify = (work) =>
    function (...args) {
      const callback = args.pop();
      work.apply(this, args).then((value) => callback(null, value), (error) => callback(error || new Error("rejected without a reason")));
    };
  const inherits = (child, parent) => {
    Object.defineProperty(child, "super_", { value: parent, configurable: true, writable: true });
    Object.setPrototypeOf(child.prototype, parent.prototype);
  };
  const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);
  const types = {};
  for (const name of ["Date", "RegExp", "Map", "Set", "WeakMap", "WeakSet", "Promise", "Proxy", "ArrayBuffer", "DataView", "AsyncFunction", "GeneratorFunction"]) types[`is${name}`] = (value) => tag(value) === name;
  Object.assign(types, {
    isNativeError: (value) => value instanceof Error,
    isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView),
    isUint8Array: (value) => value instanceof Uint8Array,
    isAnyArrayBuffer: (value) => value instanceof ArrayBuffer,
    isArrayBufferView: (value) => ArrayBuffer.isView(value),
    isBoxedPrimitive: (value) => typeof value === "object" && ["Number", "String", "Boolean", "BigInt", "Symbol"].includes(tag(value)),
    isKeyObject: (value) => value instanceof require("crypto").KeyObject,
  });
  const isDeepStrictEqual = (one, other) => require("assert").same(one, other, true);
  return {
    inspect,
    format,
    promisify,
    callbackify,
    inherits,
    types,
    isDeepStrictEqual,
    TextEncoder,
    TextDecoder,
    deprecate: (work) => work,
    debuglog: () => Object.assign(() => {}, { enabled: false }),
    isArray: Array.isArray,
    isBoolean: (value) => typeof value === "boolean",
    isBuffer: Buffer.isBuffer,
    isDate: types.isDate,
    isError: (value) => value instanceof Error,
    isFunction: (value) => typeof value === "function",
    isNull: (value) => value === null,
    isNullOrUndefined: (value) => value === null || value === undefined,
    isNumber: (value) => typeof value === "number",
    isObject: (value) => value !== null && typeof value === "object",
    isPrimitive: (value) => value === null || (typeof value !== "object" && typeof value !== "function"),
    isRegExp: types.isRegExp,
    isString: (value) => typeof value === "string",
    isSymbol: (value) => typeof value === "symbol",
    isUndefined: (value) => value === undefined,
    stripVTControlCharacters: (text) => text.replace(/\u001b\[[0-9;]*m/g, ""),
    _extend: Object.assign,
  };
}
