"""One file per fix; its docstring is its manual page.

`ANSWERS`                           codes of the findings that it may cure
`OPTION`                            how it is asked for, such as `workers=NUMBER`
`candidates(finding)`               yields (advice, parameters), the best first
`read(value)`                       (advice, parameters) of a free-form experiment; ValueError

`relieves(finding, parameters)`     optional: how many times as much of which kind of resource
                                    it provides; without it a fix is one that removes demand

and one of

`patch(parameters)`                 runs inside each process of the application at its start,
                                    where the tool cannot be imported; changes foreign objects
                                    through `pinchpoint_probe.patching.replace`
`redeploy(deployment, parameters)`  the Deployment of the changed arm
`migrate(parameters)`               statements for a clone of the database
"""
