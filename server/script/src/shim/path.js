// `path` of Node.js, for paths with slashes: calculation alone, there are no files.
() => {
  "use strict";
  const normalize = (path) => {
    const rooted = path.startsWith("/");
    const kept = [];
    for (const part of path.split("/")) {
      if (part === "" || part === ".") continue;
      if (part === ".." && kept.length && kept[kept.length - 1] !== "..") kept.pop();
      else if (part !== ".." || !rooted) kept.push(part);
    }
    return (rooted ? "/" : "") + kept.join("/") + (path.endsWith("/") && kept.length ? "/" : "") || ".";
  };
  const basename = (path, ending) => {
    const name = path.replace(/\/+$/, "").split("/").pop();
    return ending && name !== ending && name.endsWith(ending) ? name.slice(0, -ending.length) : name;
  };
  const extname = (path) => (/[^.](\.[^.]*)$/.exec(basename(path)) || ["", ""])[1];
  const dirname = (path) => path.replace(/\/+$/, "").replace(/\/?[^/]*$/, "") || (path.startsWith("/") ? "/" : ".");
  const join = (...parts) => normalize(parts.filter(Boolean).join("/"));
  const resolve = (...parts) => normalize(parts.reduce((path, part) => (part.startsWith("/") ? part : `${path}/${part}`), "/")).replace(/(.)\/$/, "$1");
  const path = { sep: "/", delimiter: ":", normalize, basename, extname, dirname, join, resolve, isAbsolute: (one) => one.startsWith("/"), parse: (one) => ({ root: one.startsWith("/") ? "/" : "", dir: dirname(one), base: basename(one), ext: extname(one), name: basename(one, extname(one)) }) };
  path.posix = path;
  return path;
}
