import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

/*
 * Keycloak, as its documentation describes it; nothing here was recorded from a running Keycloak.
 * Server Administration Guide, "Managing OpenID Connect clients" and "Protocol mappers": https://www.keycloak.org/docs/latest/server_admin/
 * Securing applications, "Endpoints": https://www.keycloak.org/securing-apps/oidc-layers
 */

/** What docs/sign-in.md tells the operator to set up in the realm: two mappers in a client scope. */
export const MAPPERS = [
  {
    name: 'muster role',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-hardcoded-claim-mapper',
    config: {
      'claim.name': 'role',
      'claim.value': 'authenticated',
      'jsonType.label': 'String',
      'access.token.claim': 'true',
    },
  },
  {
    name: 'muster audience',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-audience-mapper',
    config: { 'included.custom.audience': 'authenticated', 'access.token.claim': 'true' },
  },
]

export interface TestRealm {
  issuer: string
  /** What `…/protocol/openid-connect/certs` answers: a key for signatures, and one for encryption that is not for us. */
  certs: { keys: object[] }
  /** An access token of a user, with or without what the mappers add. */
  accessToken(sub: string, options?: { mappers?: boolean; claims?: JWTPayload }): Promise<string>
}

export async function openRealm(issuer = 'https://sso.example.com/realms/muster'): Promise<TestRealm> {
  const [signing, encrypting] = await Promise.all([
    generateKeyPair('RS256', { extractable: true }),
    generateKeyPair('RSA-OAEP', { extractable: true }),
  ])
  const kid = 'a-signing-key-of-the-realm'
  const certs = {
    keys: [
      { ...(await exportJWK(signing.publicKey)), kid, alg: 'RS256', use: 'sig' },
      { ...(await exportJWK(encrypting.publicKey)), kid: 'for-encryption', alg: 'RSA-OAEP', use: 'enc' },
    ],
  }
  return {
    issuer,
    certs,
    async accessToken(sub, { mappers = true, claims = {} } = {}) {
      const added = mappers
        ? { role: 'authenticated', aud: ['authenticated', 'account'] }
        : { aud: 'account' }
      return new SignJWT({
        jti: crypto.randomUUID(),
        typ: 'Bearer',
        azp: 'muster-app',
        sid: crypto.randomUUID(),
        acr: '1',
        realm_access: { roles: ['offline_access', 'uma_authorization', 'default-roles-muster'] },
        resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
        scope: 'openid email profile',
        email_verified: true,
        preferred_username: 'guard',
        email: 'guard@example.com',
        ...added,
        ...claims,
      })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
        .setIssuer(issuer)
        .setSubject(sub)
        .setIssuedAt()
        .setExpirationTime('5 min')
        .sign(signing.privateKey)
    },
  }
}
