-- Signs with OpenSSL through the FFI of LuaJIT.
local ffi = require "ffi"
ffi.cdef[[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
unsigned char *HMAC(const EVP_MD *evp_md, const void *key, int key_len, const unsigned char *d, size_t n, unsigned char *md, unsigned int *md_len);
]]
local C = ffi.load("crypto.so.3")
local md = C.EVP_sha256()
local out = ffi.new("unsigned char[64]")
local hexbuf = ffi.new("char[64]")
local H = "0123456789abcdef"
local hexd = ffi.new("char[16]", H)
local bit = require "bit"
local key = os.getenv("BSP_SECRET")
local klen = #key
local _M = {}
local function hmac(s)
  C.HMAC(md, key, klen, s, #s, out, nil)
  for i = 0, 31 do local b = out[i]; hexbuf[2*i] = hexd[bit.rshift(b, 4)]; hexbuf[2*i+1] = hexd[bit.band(b, 15)] end
  return ffi.string(hexbuf, 64)
end
-- wall clock in ms (ngx.now() is cached per event-loop turn, which is what nginx users would take)
function _M.go()
  local a = ngx.var.args
  local p = (a and a ~= "" and (a .. "&") or "") .. "recvWindow=5000&timestamp=" .. string.format("%d", ngx.now() * 1000)
  local m = ngx.req.get_method()
  local full = p
  if m ~= "GET" then
    ngx.req.read_body()
    local b = ngx.req.get_body_data()
    if b then full = p .. b end
  end
  ngx.req.set_uri_args(p .. "&signature=" .. hmac(full))
end
return _M
