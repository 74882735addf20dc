import { getSystemErrorMap } from 'node:util'

/**
 * An error of the operating system in words: "EACCES: permission denied". Node's own message repeats the path, which the message
 * around this one names already. Of any other error, its message.
 */
export function systemReason(error: unknown): string {
  const { code, errno, message = String(error) } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  const words = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
  return code === undefined || words === undefined ? message : `${code}: ${words}`
}

/** Of a file or folder that the system denies access to (EACCES, EPERM); nothing of another error. */
export function permissionReason(error: unknown): string | undefined {
  const { code } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  return code === 'EACCES' || code === 'EPERM' ? 'you may not read it' : undefined
}
