/** How a database that was made is told apart: plain data, for the stack as well. */

/** Nothing that lacks it is ever removed, which the role's conditions say too. Its value is the sandbox's id. */
export const SANDBOX_TAG = 'custody:sandbox';
export const UNTIL_TAG = 'custody:until';
export const SANDBOX_PREFIX = 'custody-sandbox-';
