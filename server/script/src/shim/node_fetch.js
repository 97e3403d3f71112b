// `node-fetch`: the same function.
(native, require) => {
  "use strict";
  const { fetch, Headers, Request, Response } = require("portico:fetch");
  return Object.assign((input, init) => fetch(input, init), { default: fetch, Headers, Request, Response, FetchError: TypeError, isRedirect: (status) => [301, 302, 303, 307, 308].includes(status) });
}
