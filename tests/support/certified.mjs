// A certified OpenID provider for tests. Its one argument is JSON:
// { modules, issuer, port, clients: [...], accounts: { login: claims } }
// Whoever has an account signs in with its name and any password. Keys are new at every start.
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const { modules, issuer, port, clients, accounts } = JSON.parse(process.argv[2])
const found = createRequire(`${modules}/`).resolve('oidc-provider')
const { default: Provider } = await import(pathToFileURL(found))

const key = (type, options, extra) => {
  const { privateKey } = generateKeyPairSync(type, options)
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', ...extra }
}

const provider = new Provider(issuer, {
  clients,
  jwks: { keys: [key('rsa', { modulusLength: 2048 }, { alg: 'RS256' })] },
  cookies: { keys: [randomUUID()] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  conformIdTokenClaims: false, // all of them in the ID token, as most companies' providers do
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  // Our own company's client: nobody is asked whether they trust it.
  loadExistingGrant: async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
    grant.addOIDCScope('openid email profile')
    await grant.save()
    return grant
  },
  // It calls no address of this computer by itself; in tests everybody lives there.
  fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
})
provider.on('server_error', (_, error) => console.error(error))
provider.on('backchannel.error', (_, error) => console.error(`back channel: ${error}`))
provider.listen(port, '127.0.0.1', () => console.log(`ready: ${issuer}`))
