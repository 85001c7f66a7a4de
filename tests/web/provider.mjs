// An OpenID provider (npm's oidc-provider) for the tests of the page: prints its port, reads the page's address.
// Whoever logs in as role.name has that role. Arguments: seconds of a token's life, the audience.
import {createServer} from 'node:http';
import {createInterface} from 'node:readline';
import {Provider} from 'oidc-provider';

const [seconds, audience] = process.argv.slice(2);
const server = createServer().listen(0, '127.0.0.1', () => console.log(server.address().port));
createInterface(process.stdin).once('line', page => {
  const provider = new Provider(`http://127.0.0.1:${server.address().port}`, {
    clients: [
      {
        client_id: 'wardbook-page',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [page],
        post_logout_redirect_uris: [page],
      },
    ],
    clientBasedCORS: () => true,
    issueRefreshToken: async (_, __, code) => code.accountId.includes('renewed'),
    extraTokenClaims: (_, token) => ({role: token.accountId.split('.')[0]}),
    features: {
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({scope: '', audience, accessTokenTTL: +seconds, accessTokenFormat: 'jwt', jwt: {sign: {alg: 'RS256'}}}),
      },
    },
  });
  server.on('request', provider.callback());
  console.log('ready');
});
