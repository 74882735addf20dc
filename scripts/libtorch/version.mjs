/** The libtorch that torchgraft is built for and fetches. */
export const LIBTORCH_VERSION = '2.13.0'
