/** The header by which the address of a request, as the settings for proxies give it, reaches better-auth. */
export const ADDRESS_HEADER = 'x-muster-address'
