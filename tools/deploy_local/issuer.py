"""A Cognito user pool on the emulator, which issues access tokens that the API accepts."""

from dataclasses import dataclass

import requests

from tools.deploy_local.emulator import REGION, Emulator
from tools.package.sources import list_modules

RESOURCE_SERVER = "news-api"


@dataclass(frozen=True)
class Issuer:
    """A user pool with one client, which gets tokens with the client credentials grant.

    Attributes:
        url: the address of its token endpoint.
        parameters: the stack's parameters with which the API accepts its tokens.
        client_id: the client.
        client_secret: the client's secret.
    """

    url: str
    parameters: dict[str, str]
    client_id: str
    client_secret: str

    @classmethod
    def create(cls, emulator: Emulator) -> "Issuer":
        """Create the user pool, the write scope of each module, and the client."""
        scopes = [f"{module}:write" for module in list_modules()]
        cognito = emulator.client("cognito-idp")
        pool = cognito.create_user_pool(PoolName="deploy-local")["UserPool"]["Id"]
        cognito.create_resource_server(
            UserPoolId=pool,
            Identifier=RESOURCE_SERVER,
            Name=RESOURCE_SERVER,
            Scopes=[{"ScopeName": scope, "ScopeDescription": scope} for scope in scopes],
        )
        client = cognito.create_user_pool_client(
            UserPoolId=pool,
            ClientName="deploy-local",
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=[f"{RESOURCE_SERVER}/{scope}" for scope in scopes],
        )["UserPoolClient"]
        parameters = {
            "AuthIssuer": f"https://cognito-idp.{REGION}.amazonaws.com/{pool}",
            "AuthAudience": client["ClientId"],
            "AuthScopePrefix": f"{RESOURCE_SERVER}/",
        }
        return cls(f"{emulator.url}/oauth2/token", parameters, client["ClientId"], client["ClientSecret"])

    def token(self) -> str:
        """Return an access token, which is valid for an hour."""
        response = requests.post(
            self.url,
            data={"grant_type": "client_credentials"},
            auth=(self.client_id, self.client_secret),
            timeout=10,
        )
        response.raise_for_status()
        token: str = response.json()["access_token"]
        return token
