import { createHmac } from 'node:crypto';
import fastify from 'fastify';
import { Pool } from 'undici';

/** A signing proxy as one would write it first: Fastify, the body as text, `undici.request`. It only signs. */
const { PORT, UPSTREAM = '', BSP_KEY = '', BSP_SECRET = '' } = process.env;
const pool = new Pool(UPSTREAM, { connections: 256, pipelining: 1, allowH2: false });
const app = fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
app.all('*', async (request, reply) => {
  const [path = '', query = ''] = (request.raw.url ?? '').split('?');
  const body = typeof request.body === 'string' ? request.body : '';
  const dated = `${query === '' ? '' : `${query}&`}recvWindow=5000&timestamp=${Date.now()}`;
  const signature = createHmac('sha256', BSP_SECRET)
    .update(dated + body)
    .digest('hex');
  const answer = await pool.request({
    method: request.method as 'GET',
    path: `${path}?${dated}&signature=${signature}`,
    headers: {
      'x-mbx-apikey': BSP_KEY,
      ...(body === '' ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    body: body === '' ? null : body,
  });
  const { connection, 'keep-alive': keepAlive, 'transfer-encoding': coding, ...headers } = answer.headers;
  return reply.code(answer.statusCode).headers(headers).send(answer.body);
});
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
