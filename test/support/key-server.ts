import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export interface SigningKey {
  kid: string
  alg: string
  jwk: JWK
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

/** Makes a key pair as an issuer holds it. */
export async function makeSigningKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return {
    kid,
    alg,
    jwk,
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface KeyServer extends AsyncDisposable {
  url: URL
  /** The paths asked for, in order. */
  requests: string[]
  publish(...keys: JWK[]): void
  answer(answer: Answer): void
  /** Breaks every connection: the issuer is down. */
  fail(): void
  /** Resolves once `count` requests have arrived in all. */
  received(count: number): Promise<void>
}

/** An issuer's JWKS endpoint on a port of its own. It publishes nothing until told. */
export async function startKeyServer(): Promise<KeyServer> {
  let answer: Answer = respondJson({ keys: [] })
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    server.emit('counted')
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    url: new URL(`http://127.0.0.1:${port}/.well-known/jwks.json`),
    requests,
    publish: (...keys) => {
      answer = respondJson({ keys })
    },
    answer: (next) => {
      answer = next
    },
    fail: () => {
      answer = (request) => request.socket.destroy()
    },
    received: async (count) => {
      while (requests.length < count) await once(server, 'counted')
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export function respondJson(body: unknown, status = 200): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}
