/** Of the API and what answers it. */
export const VERSION = '0.1.0';
