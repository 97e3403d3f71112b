// `auth0`: the calls on users, answered by the gateway itself. There is no network and no token in it.
(native) => {
  "use strict";
  const call = (name, args) => native.ask(`auth0.users.${name}`, JSON.stringify(args));
  const id = (params) => (params && typeof params === "object" ? params.id || params.user_id : params);
  const both = (work) => (...args) => {
    const last = args[args.length - 1];
    const callback = typeof last === "function" ? args.pop() : undefined;
    const promise = work(...args);
    if (!callback) return promise;
    promise.then((value) => setImmediate(callback, null, value), (error) => setImmediate(callback, error));
    return undefined;
  };
  const users = {
    updateAppMetadata: both((who, metadata) => call("updateAppMetadata", [id(who), metadata])),
    updateUserMetadata: both((who, metadata) => call("updateUserMetadata", [id(who), metadata])),
    get: both((who) => call("get", [id(who)])),
    update: both((who, changes) => call("update", [id(who), changes])),
    getByEmail: both((email) => call("getByEmail", [email && typeof email === "object" ? email.email : email])),
    getRoles: both((who) => call("getRoles", [id(who)])),
    link: both((who, other) => call("link", [id(who), other])),
  };
  class ManagementClient {
    constructor(options = {}) {
      Object.defineProperty(this, "options", { value: options });
      this.users = users;
    }
  }
  Object.assign(ManagementClient.prototype, {
    getUser: users.get,
    getUsersByEmail: users.getByEmail,
    updateUser: users.update,
    updateAppMetadata: users.updateAppMetadata,
    updateUserMetadata: users.updateUserMetadata,
    getUserRoles: users.getRoles,
    linkUsers: users.link,
  });
  return { ManagementClient, auth0: { ...native.given, users: { updateAppMetadata: users.updateAppMetadata, updateUserMetadata: users.updateUserMetadata } } };
}
