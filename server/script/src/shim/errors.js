// The errors by which scripts say no. What a name means is decided by whoever called the script.
() => {
  "use strict";
  const named = (constructor, name) => {
    Object.defineProperty(constructor, "name", { value: name, configurable: true });
    Object.defineProperty(constructor.prototype, "name", { value: name, configurable: true, writable: true });
    return constructor;
  };
  return {
    UnauthorizedError: named(class extends Error {}, "UnauthorizedError"),
    ValidationError: named(
      class extends Error {
        constructor(code, message) {
          super(message === undefined ? code : message);
          this.code = code;
        }
      },
      "ValidationError",
    ),
    WrongUsernameOrPasswordError: named(
      class extends Error {
        constructor(user, message) {
          super(message === undefined ? "wrong user name or password" : message);
          this.user = user;
        }
      },
      "WrongUsernameOrPasswordError",
    ),
  };
}
