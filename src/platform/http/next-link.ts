/**
 * RFC 8288. A query alone is relative to the address that the client asked (RFC 3986 section 5.3): right behind any proxy, and made
 * of nothing that a request can say of its host.
 */
export function nextLink(url: string, cursor: string): string {
  const parameters = new URLSearchParams(url.split('?', 2)[1])
  parameters.set('cursor', cursor)
  return `<?${parameters}>; rel="next"`
}
