// The check of a presigned URL that one would write for nginx and njs: SigV4 in the query, one key, GET and PUT.
// It must be right, and is kept short: no policies, no header authentication, no list of reasons.
import crypto from 'crypto';

const ACCESS_KEY = 'AKIABENCH00000000001';
const SECRET = 'bench-secret';

function hmac(key, text) {
  return crypto.createHmac('sha256', key).update(text).digest();
}

function encode(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase());
}

function equal(a, b) {
  if (a.length != b.length) {
    return false;
  }
  let different = 0;
  for (let i = 0; i < a.length; i++) {
    different |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return different == 0;
}

function instant(text) {
  const m = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  return m ? Date.UTC(m[1], m[2] - 1, m[3], m[4], m[5], m[6]) : NaN;
}

function verdict(r) {
  const target = r.variables.request_uri;
  const mark = target.indexOf('?');
  if (mark < 0) {
    return 'denied';
  }
  const pairs = [];
  const args = {};
  const fields = target.slice(mark + 1).split('&');
  for (let i = 0; i < fields.length; i++) {
    const at = fields[i].indexOf('=');
    const name = decodeURIComponent(at < 0 ? fields[i] : fields[i].slice(0, at));
    const value = at < 0 ? '' : decodeURIComponent(fields[i].slice(at + 1));
    if (args[name] !== undefined) {
      return 'denied';
    }
    args[name] = value;
    if (name != 'X-Amz-Signature') {
      pairs.push(encode(name) + '=' + encode(value));
    }
  }
  const scope = (args['X-Amz-Credential'] || '').split('/');
  const date = args['X-Amz-Date'] || '';
  const now = Date.now();
  const signed = instant(date);
  if (args['X-Amz-Algorithm'] != 'AWS4-HMAC-SHA256' || scope.length != 5 || scope[0] != ACCESS_KEY
      || scope[1] != date.slice(0, 8) || scope[3] != 's3' || scope[4] != 'aws4_request'
      || !(now >= signed - 900000 && now < signed + Number(args['X-Amz-Expires']) * 1000)) {
    return 'denied';
  }
  const names = (args['X-Amz-SignedHeaders'] || '').split(';');
  if (names.indexOf('host') < 0) {
    return 'denied';
  }
  let headers = '';
  for (let i = 0; i < names.length; i++) {
    headers += names[i] + ':' + (r.headersIn[names[i]] || '').trim() + '\n';
  }
  const path = decodeURIComponent(target.slice(0, mark)).split('/').map(encode).join('/');
  pairs.sort();
  const canonical = [r.method, path, pairs.join('&'), headers, names.join(';'),
    r.headersIn['x-amz-content-sha256'] || 'UNSIGNED-PAYLOAD'].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, scope.slice(1).join('/'),
    crypto.createHash('sha256').update(canonical).digest('hex')].join('\n');
  let key = hmac('AWS4' + SECRET, scope[1]);
  for (let i = 2; i < 5; i++) {
    key = hmac(key, scope[i]);
  }
  const wanted = crypto.createHmac('sha256', key).update(text).digest('hex');
  return equal(wanted, args['X-Amz-Signature'] || '') ? 'allowed' : 'denied';
}

export default { verdict };
