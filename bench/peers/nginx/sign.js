// njs: signs the query; a body takes a subrequest.
import crypto from 'crypto';

const KEY = process.env.BSP_SECRET;
function q(r) {
  const a = r.variables.args || '';
  return (a ? a + '&' : '') + 'recvWindow=5000&timestamp=' + Date.now();
}
function args(r) {
  // requests without a body: js_set, evaluated by proxy_pass
  const p = q(r);
  return p + '&signature=' + crypto.createHmac('sha256', KEY).update(p).digest('hex');
}
async function body(r) {
  // requests with a body: js_content + subrequest
  const p = q(r);
  const b = r.requestText || '';
  const s = crypto.createHmac('sha256', KEY).update(p).update(b).digest('hex');
  const u = await r.subrequest('/_up' + r.uri, { method: r.method, args: p + '&signature=' + s, body: b });
  for (const h in u.headersOut) r.headersOut[h] = u.headersOut[h];
  r.return(u.status, u.responseText);
}
// njs imports the default export and nothing else.
// biome-ignore lint/style/noDefaultExport: the interface of njs
export default { args, body };
