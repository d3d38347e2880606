/**
 * Why a connection failed and to where, in a few words: `ECONNREFUSED 127.0.0.1:1`. Nothing of what it carried.
 *
 * @param to where it was to lead, for errors that do not say it
 */
export function describeSocketFailure(error: unknown, to: string): string {
  // A name with several addresses: each of them failed.
  if (error instanceof AggregateError) {
    return error.errors.map((one) => describeSocketFailure(one, to)).join(', ')
  }
  const { code, address, port, message }: Partial<NodeJS.ErrnoException & { address: string; port: number }> =
    error instanceof Error ? error : {}
  const where = address === undefined ? to : port === undefined ? address : hostAndPort(address, port)
  return `${code ?? message ?? 'failed'} ${where}`
}

export const hostAndPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
