"""What every AWS service needs: credentials of a role, host names by region, and signatures."""
