/** What the user can mend: told in one message, without a stack. */
export class SetupError extends Error {}
