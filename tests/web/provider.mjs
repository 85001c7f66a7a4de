// An OpenID provider (npm's oidc-provider) for tests: prints its port, reads the page's address, and then lines that
// say "rotate": from then on another key signs, and the one before is gone. Whoever logs in as role.name has that
// role, as has a service of such a name. Arguments: seconds of a token's life, the audience, a certificate, its key.
import {generateKeyPairSync, randomUUID} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {createServer as createTlsServer} from 'node:https';
import {createInterface} from 'node:readline';
import {Provider} from 'oidc-provider';

const [seconds, audience, certificate, key] = process.argv.slice(2);
const tls = certificate && {cert: readFileSync(certificate), key: readFileSync(key)};
const server = (tls ? createTlsServer(tls) : createServer()).listen(0, '127.0.0.1', () => console.log(server.address().port));
let page;
createInterface(process.stdin).on('line', line => {
  page ??= line;
  const signing = generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey.export({format: 'jwk'});
  const provider = new Provider(`http${tls ? 's' : ''}://127.0.0.1:${server.address().port}`, {
    clients: [
      {
        client_id: 'wardbook-page',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [page],
        post_logout_redirect_uris: [page],
      },
      {client_id: 'service.beds', client_secret: 'of-tests', grant_types: ['client_credentials'], redirect_uris: [], response_types: []},
    ],
    jwks: {keys: [{...signing, kid: randomUUID(), use: 'sig', alg: 'RS256'}]},
    clientBasedCORS: () => true,
    issueRefreshToken: async (_, __, code) => code.accountId.includes('renewed'),
    extraTokenClaims: (_, token) => ({role: (token.accountId ?? token.clientId).split('.')[0]}),
    features: {
      clientCredentials: {enabled: true},
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({scope: '', audience: resource === 'urn:other' ? resource : audience, accessTokenTTL: +seconds, accessTokenFormat: 'jwt', jwt: {sign: {alg: 'RS256'}}}),
      },
    },
  });
  server.removeAllListeners('request').on('request', provider.callback());
  console.log('ready');
});
