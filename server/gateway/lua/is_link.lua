-- Whether the path of an operation is a link in messages: others on the way add parameters of their
-- own to it, and mail programs bodies.
local LINKED = "carillon.comms.v1.UnsubscribeService/"

return function(operation) return operation.rpc:find(LINKED, 1, true) == 1 end
