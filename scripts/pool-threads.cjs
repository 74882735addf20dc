// As many threads in libuv's pool as there are processors, where it has not been said how many: images are decoded on them, and
// libuv's own four would leave a GPU waiting. Before anything else, since the pool is made at its first use, which in a program of
// ES modules comes before its first line: so this is CommonJS.
const os = require('node:os')

const LIBUVS_OWN = 4
const LIBUVS_MOST = 1024

process.env.UV_THREADPOOL_SIZE ??= String(Math.min(Math.max(os.availableParallelism(), LIBUVS_OWN), LIBUVS_MOST))
