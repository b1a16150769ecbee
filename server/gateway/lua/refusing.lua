-- Answers a request at once, without passing anything of it on.

-- `body` is one of `errors`; `headers` come with it.
return function(handle, status, body, headers)
  headers = headers or {}
  headers[":status"] = tostring(status)
  headers["content-type"] = "application/json"
  headers["cache-control"] = "no-store"
  if status == 401 then headers["www-authenticate"] = "Bearer" end
  handle:respond(headers, body)
end
