// `assert` of Node.js.
(native, require) => {
  "use strict";
  class AssertionError extends Error {
    constructor(options) {
      super(options.message || `${require("util").inspect(options.actual)} ${options.operator} ${require("util").inspect(options.expected)}`);
      Object.assign(this, { name: "AssertionError", code: "ERR_ASSERTION", actual: options.actual, expected: options.expected, operator: options.operator });
    }
  }
  const fail = (message, more = {}) => {
    if (message instanceof Error) throw message;
    throw new AssertionError({ message, ...more });
  };
  const same = (one, other, strict) => {
    if (strict ? Object.is(one, other) : one == other || (Number.isNaN(one) && Number.isNaN(other))) return true;
    if (one === null || other === null || typeof one !== "object" || typeof other !== "object") return false;
    if (strict && Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
    if (one instanceof Date && other instanceof Date) return one.getTime() === other.getTime();
    if (one instanceof RegExp && other instanceof RegExp) return String(one) === String(other);
    if (one instanceof Map || one instanceof Set) return other instanceof one.constructor && same([...one], [...other], strict);
    const [names, others] = [Object.keys(one), Object.keys(other)];
    return names.length === others.length && names.every((name) => Object.hasOwn(other, name) && same(one[name], other[name], strict));
  };
  const ok = (value, message) => {
    if (!value) fail(message || "The expression evaluated to a falsy value", { actual: value, expected: true, operator: "==" });
  };
  const compare = (operator, passes) => (actual, expected, message) => {
    if (!passes(actual, expected)) fail(message, { actual, expected, operator });
  };
  const assert = Object.assign((value, message) => ok(value, message), {
    ok,
    AssertionError,
    same,
    fail: (message) => fail(message || "Failed"),
    equal: compare("==", (one, other) => one == other),
    notEqual: compare("!=", (one, other) => one != other),
    strictEqual: compare("===", Object.is),
    notStrictEqual: compare("!==", (one, other) => !Object.is(one, other)),
    deepEqual: compare("deepEqual", (one, other) => same(one, other, false)),
    deepStrictEqual: compare("deepStrictEqual", (one, other) => same(one, other, true)),
    notDeepEqual: compare("notDeepEqual", (one, other) => !same(one, other, false)),
    notDeepStrictEqual: compare("notDeepStrictEqual", (one, other) => !same(one, other, true)),
    match: compare("match", (text, pattern) => pattern.test(text)),
    ifError: (value) => {
      if (value !== null && value !== undefined) throw value;
    },
    throws: (work, message) => {
      try {
        work();
      } catch {
        return;
      }
      fail(typeof message === "string" ? message : "Missing expected exception");
    },
  });
  assert.strict = assert;
  return assert;
}
