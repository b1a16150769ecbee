-- Whether a content type is that of a gRPC call.
return function(content_type)
  if not content_type then return false end
  return content_type == "application/grpc" or content_type:find("^application/grpc[+;]") ~= nil
end
