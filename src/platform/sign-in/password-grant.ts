import type { FastifyInstance } from 'fastify'
import { MAX_PASSWORD_LENGTH } from './passwords.ts'

export const PASSWORD_GRANT_PATH = '/auth/oauth/token'

/** An address, a password and the name of the grant, each byte written as %xx. */
const BODY_LIMIT_BYTES = 3 * (320 + 4 * MAX_PASSWORD_LENGTH + 100)

/**
 * The password grant of OAuth 2.0 (RFC 6749, section 4.3), for the page at /docs: it knows no other way to get a token by e-mail and
 * password. It asks `POST /auth/sign-in/email`, so the same limits hold. Apps ask that themselves: this gives nothing that renews a token.
 */
export async function passwordGrant(app: FastifyInstance): Promise<void> {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: BODY_LIMIT_BYTES },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  )
  app.post(PASSWORD_GRANT_PATH, { schema: { hide: true } }, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const given = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    if (given.get('grant_type') !== 'password') {
      return reply.code(400).send({ error: 'unsupported_grant_type' })
    }
    const { origin, 'user-agent': userAgent, 'accept-language': language } = request.headers
    const answer = await app.inject({
      method: 'POST',
      url: '/auth/sign-in/email',
      remoteAddress: request.ip,
      headers: {
        // Whoever judges the origin judges that of the page.
        ...(origin !== undefined && { origin }),
        ...(userAgent !== undefined && { 'user-agent': userAgent }),
        ...(language !== undefined && { 'accept-language': language }),
      },
      payload: { email: given.get('username') ?? '', password: given.get('password') ?? '' },
    })
    const body = answer.json()
    if (answer.statusCode === 200 && body.access_token) {
      const { access_token, token_type, expires_in } = body
      return reply.send({ access_token, token_type, expires_in })
    }
    const retryAfter = answer.headers['retry-after']
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    return reply.code(answer.statusCode === 429 || answer.statusCode >= 500 ? answer.statusCode : 400).send({
      // RFC 6749, section 5.2. The page shows the description.
      error: 'invalid_grant',
      error_description: body.second_factor
        ? 'This account has an authenticator app: sign in at /sign-in, or by POST /auth/sign-in/email.'
        : body.title,
    })
  })
}
