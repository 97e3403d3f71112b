// `os` of Node.js: nothing of the machine is in it.
() => ({ EOL: "\n", platform: () => "linux", type: () => "Linux", arch: () => "x64", release: () => "0", hostname: () => "portico", homedir: () => "/", tmpdir: () => "/tmp", cpus: () => [], totalmem: () => 0, freemem: () => 0, networkInterfaces: () => ({}), endianness: () => "LE", constants: {} })
