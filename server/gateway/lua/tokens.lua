-- Whether there is a bearer token at all. The server judges which.
local tokens = {}

-- What is wrong with a header that should be `Bearer <token>`, in the server's words; or nil.
function tokens.problem(authorization)
  if not authorization then return "a bearer token is required" end
  local scheme, token = authorization:match("^([^ ]*) ?(.*)$")
  if scheme:lower() == "bearer" and token ~= "" then return nil end
  return "the authorization header must be 'Bearer <token>'"
end

return tokens
